/**
 * The scripts call the program with the words so far. It prints one candidate per line, followed by a tab and a description
 * if there is one; the line `:files` stands for the names of files.
 *
 * Nothing that was typed is evaluated, and no other package is needed.
 */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

export const COMPLETE = '__complete';

/** Stands for the names of files. */
export const FILES = ':files';

const bash = `# bash completion for 13byte-config, also for the bash 3.2 of macOS.
# In ~/.bashrc: eval "$(13byte-config completion bash)"
_config13byte() {
  local line current="\${COMP_WORDS[COMP_CWORD]}"
  [ "$current" = "=" ] && current=
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = "${FILES}" ]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <("\${COMP_WORDS[0]}" ${COMPLETE} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _config13byte 13byte-config
`;

const zsh = `#compdef 13byte-config
# zsh completion for 13byte-config.
# In ~/.zshrc, after compinit: eval "$(13byte-config completion zsh)"
_config13byte() {
  local line
  local -a values descriptions
  while IFS= read -r line; do
    if [[ $line == ${FILES} ]]; then
      compset -P '--*='
      _files
      return
    fi
    values+=("\${line%%$'\\t'*}")
    descriptions+=("\${line/$'\\t'/  -- }")
  done < <("\${words[1]}" ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)
  compset -P '--*='
  (( $#values )) && compadd -l -d descriptions -a -- values
}
if [[ $funcstack[1] == _13byte-config ]]; then
  _config13byte "$@"
else
  compdef _config13byte 13byte-config
fi
`;

const fish = `# fish completion for 13byte-config.
# In ~/.config/fish/config.fish: 13byte-config completion fish | source
function __config13byte
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l option (string match -r -- '^--[^=]+=' $current)
    for line in ($words[1] ${COMPLETE} $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = ${FILES}
            for path in (__fish_complete_path (string replace -r -- '^--[^=]+=' '' "$current"))
                echo "$option$path"
            end
        else
            echo "$option$line"
        end
    end
end
complete -c 13byte-config -f -a '(__config13byte)'
`;

export const SCRIPTS: { readonly [shell in Shell]: string } = { bash, zsh, fish };
