/** Shells that completion exists for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

// Each asks the lab that stands on the command line (`lab`, `./lab`), so that it completes what that one knows.

const bash = `# Completion of lab for bash. To have it in every shell:
#   lab completion bash > ~/.local/share/bash-completion/completions/lab
_lab() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _lab lab
`

const zsh = `#compdef lab
# Completion of lab for zsh. To have it in every shell, where "$fpath" looks:
#   lab completion zsh > "\${fpath[1]}/_lab"
_lab() {
  local -a candidates
  local line
  while IFS= read -r line; do
    candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${(Q)words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#candidates} )); then
    _describe 'lab' candidates
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == _lab ]]; then
  _lab "$@"
else
  compdef _lab lab
fi
`

const fish = `# Completion of lab for fish. To have it in every shell:
#   lab completion fish > ~/.config/fish/completions/lab.fish
function __lab_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete -- $words[2..-1] "$current" 2>/dev/null
end
complete -c lab -f -a '(__lab_complete)'
complete -c lab -n '__fish_seen_subcommand_from cp deploy init run' -F
`

/** The completion script of each shell. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = { bash, zsh, fish }
