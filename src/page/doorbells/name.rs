//! What doorbells are called.

use std::fmt;

/// The random name of a doorbell: 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub u64);

impl Name {
    /// `None` when something else is called that.
    pub fn parse(name: &str) -> Option<Self> {
        let number = u64::from_str_radix(name, 16).ok().map(Self);
        number.filter(|number| number.to_string() == name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
