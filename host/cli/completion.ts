// SPDX-License-Identifier: Apache-2.0
import { Argument, type Command } from 'commander';
import { type CommandNode, commandTree } from './command-tree.ts';

/** Completion scripts for the usual shells, made from the commands themselves. */

type Shell = 'bash' | 'zsh' | 'fish';

/** `path words)` and what may follow: children and options. */
function cases(nodes: readonly CommandNode[]): string {
  return nodes
    .map(({ path, children, options }) => {
      const words = [...children, ...options.map(({ long }) => long), '--help'].join(' ');
      return `    '${path.join(' ')}') words='${words}' ;;`;
    })
    .join('\n');
}

const bash = (nodes: readonly CommandNode[]): string => `# bash completion of tsm: source <(tsm completion bash)
_tsm() {
  local path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path \${word}" in
${groups(nodes)}
    esac
  done
  case "$path" in
${cases(nodes)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [[ \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _tsm tsm
`;

/** A word that names a child leads down to it; others are arguments. */
function groups(nodes: readonly CommandNode[]): string {
  return nodes
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `      '${path.slice(0, -1).join(' ')} ${path.at(-1)}') path='${path.join(' ')}' ;;`)
    .join('\n');
}

const zsh = (nodes: readonly CommandNode[]): string => `#compdef tsm
# zsh completion of tsm: tsm completion zsh > "\${fpath[1]}/_tsm"
autoload -U +X bashcompinit && bashcompinit
${bash(nodes)}`;

const quoted = (text: string): string => `'${text.replaceAll("'", '’')}'`;

function fish(nodes: readonly CommandNode[]): string {
  const lines = nodes.flatMap(({ path, options, children }) => {
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const none = children.length === 0 ? [] : [`not __fish_seen_subcommand_from ${children.join(' ')}`];
    const when = [...seen, ...none].join('; and ');
    const condition = when === '' ? '' : ` -n ${quoted(when)}`;
    const below = nodes.filter(
      (node) => node.path.length === path.length + 1 && path.every((word, i) => node.path[i] === word),
    );
    return [
      ...below.map((node) => `complete -c tsm -f${condition} -a ${node.path.at(-1)} -d ${quoted(node.about)}`),
      ...options.map(({ long, about, choices }) => {
        const values = choices.length === 0 ? '' : ` -x -a ${quoted(choices.join(' '))}`;
        return `complete -c tsm${condition} -l ${long.replace(/^--/, '')}${values} -d ${quoted(about)}`;
      }),
    ];
  });
  return `# fish completion of tsm: tsm completion fish > ~/.config/fish/completions/tsm.fish\n${lines.join('\n')}\n`;
}

export function completionScript(shell: Shell, program: Command): string {
  const nodes = commandTree(program);
  switch (shell) {
    case 'bash':
      return bash(nodes);
    case 'zsh':
      return zsh(nodes);
    case 'fish':
      return fish(nodes);
  }
}

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('prints a completion script')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell) => void process.stdout.write(completionScript(shell, program)));
}
