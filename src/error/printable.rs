//! Text from elsewhere, such as a name or a path, as messages show it: on one line, cut where it is long, and with escapes
//! for what is not seen or controls a terminal. `lib/core/errors.ts` does the same in JavaScript.

use std::fmt::{self, Display, Formatter, Write};

/// Characters of a name: more than every valid one has.
const LONGEST_NAME: usize = 80;

/// Characters of a path, or of what SQLite or the system says.
const LONGEST_TEXT: usize = 1000;

/// A name, as messages show it.
pub fn short(value: impl Display) -> impl Display {
    Printable {
        value,
        longest: LONGEST_NAME,
    }
}

/// A path or a sentence, as messages show it.
pub fn text(value: impl Display) -> impl Display {
    Printable {
        value,
        longest: LONGEST_TEXT,
    }
}

struct Printable<Value> {
    value: Value,
    longest: usize,
}

impl<Value: Display> Display for Printable<Value> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mut shown = Shown {
            formatter,
            left: self.longest,
            is_cut: false,
        };
        let written = write!(shown, "{}", self.value);
        if shown.is_cut { Ok(()) } else { written }
    }
}

struct Shown<'a, 'b> {
    formatter: &'a mut Formatter<'b>,
    left: usize,
    is_cut: bool,
}

impl Write for Shown<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let Some(left) = self.left.checked_sub(1) else {
                self.is_cut = true;
                self.formatter.write_char('…')?;
                // Ends the writing of a value that may be endless.
                return Err(fmt::Error);
            };
            self.left = left;
            if is_unseen(character) {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(self.formatter, "\\u{unit:04x}")?;
                }
            } else {
                self.formatter.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Control characters, marks that change the direction of text, separators of lines, and others without a width.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for given in ["checkout", "/srv/flags é/日本.db", "a\\b \"c\"", "e\u{301}"] {
            assert_eq!(short(given).to_string(), given);
            assert_eq!(text(given).to_string(), given);
        }
    }

    #[test]
    fn what_is_not_seen_is_escaped() {
        for (given, shown) in [
            ("\u{1b}[2J", "\\u001b[2J"),
            ("a\nb\0", "a\\u000ab\\u0000"),
            ("\u{9b}31m\u{7f}", "\\u009b31m\\u007f"),
            ("\u{202e}txt", "\\u202etxt"),
            ("\u{2028}\u{e0041}", "\\u2028\\udb40\\udc41"),
        ] {
            assert_eq!(text(given).to_string(), shown);
        }
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = "ü".repeat(10_000_000);
        assert_eq!(short(&long).to_string(), format!("{}…", "ü".repeat(80)));
        assert_eq!(text(&long).to_string().chars().count(), 1001);
        assert_eq!(short("x".repeat(80)).to_string(), "x".repeat(80));
    }
}
