// qwex completion: the script that makes a shell ask us for the words to offer.
import { Argument, type Command } from 'commander';
import type { Context } from '../context.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('completion')
    .summary('completion for bash and zsh')
    .description('Prints the completion script of a shell.')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh']))
    .addHelpText('after', EXAMPLES)
    .action((shell: 'bash' | 'zsh') => context.terminal.print(SCRIPTS[shell].trimEnd()));
}

const EXAMPLES = `
Examples:
  source <(qwex completion bash)                   # in ~/.bashrc
  source <(qwex completion zsh)                    # in ~/.zshrc, after compinit`;

const SCRIPTS = {
  bash: `_qwex() {
  local IFS=$'\\n'
  COMPREPLY=($(qwex __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [[ \${COMPREPLY[0]-} == :files ]]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
    compopt -o filenames 2>/dev/null
  fi
}
complete -F _qwex qwex
`,
  zsh: `_qwex() {
  local -a found
  found=("\${(@f)$(qwex __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${found[1]-} == :files ]]; then
    _files
  elif [[ -n \${found[1]-} ]]; then
    compadd -Q -- $found
  fi
}
compdef _qwex qwex
`,
} as const;
