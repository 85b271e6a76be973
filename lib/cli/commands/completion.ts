import type { CommandDefinition } from '../command';
import { SCRIPTS, type Shell, SHELLS } from '../completion/scripts';
import { printable } from '../../core/errors';
import { usageError } from '../errors';
import { hint } from '../suggest';

export const completion: CommandDefinition = {
  name: 'completion',
  summary: 'print a script for completion of commands, options, features and environments',
  description: 'The first lines of the script say how to install it.',
  arguments: [{ term: '<shell>', summary: SHELLS.join(', '), completion: SHELLS }],
  examples: ['completion bash', 'completion zsh', 'completion fish'],
  run: async ({ arguments: [shell], output }) => {
    if (!isShell(shell))
      throw usageError(
        `Unknown shell: ${printable(String(shell))}.${hint(String(shell), SHELLS)} Available: ${SHELLS.join(', ')}`,
      );
    output.result({ shell, script: SCRIPTS[shell] }, () => SCRIPTS[shell].trimEnd());
  },
};

function isShell(shell: unknown): shell is Shell {
  return SHELLS.some((known) => known === shell);
}
