import { checkFiles } from '13byte-config';
import type { CommandDefinition } from '../command';
import { examineConfig } from '../doctor/config';
import type { Finding } from '../doctor/finding';
import { examineRuntime } from '../doctor/runtime';
import { ExitCode } from '../exit-codes';
import { oneLine, type Output } from '../output';

export const doctor: CommandDefinition = {
  name: 'doctor',
  summary: 'find problems of the runtime, the files and the database',
  description:
    'Without --db and --cluster it checks the runtime only. For each problem it says what to do. It changes nothing.',
  examples: ['doctor', 'doctor --db ./config.db --env production', 'doctor --db ./config.db --json'],
  run: async ({ target, output }) => {
    const files = target.db === undefined ? [] : checkFiles(target.db, target.environment);
    const findings = [...examineRuntime(target), ...files, ...(await examineConfig(target))];
    const status = worstOf(findings);
    output.result({ database: target.db ?? null, cluster: target.cluster ?? null, status, checks: findings }, () =>
      findings.map((finding) => show(output, finding)).join('\n'),
    );
    return status === 'failed' ? ExitCode.integrity : ExitCode.ok;
  },
};

function worstOf(findings: readonly Finding[]): Finding['status'] {
  if (findings.some(({ status }) => status === 'failed')) return 'failed';
  return findings.some(({ status }) => status === 'degraded') ? 'degraded' : 'ok';
}

function show({ colors, isTerminal }: Output, { name, status, ...finding }: Finding): string {
  const message = oneLine(finding.message);
  const fix = finding.fix === null ? null : oneLine(finding.fix);
  const paint = { ok: colors.green, degraded: colors.yellow, failed: colors.red }[status];
  if (!isTerminal) return [status, name, message, ...(fix === null ? [] : [fix])].join('\t');
  const advice = fix === null ? '' : `\n${' '.repeat(FIX_INDENT)}${colors.bold('→')} ${fix}`;
  return `${paint(status.padEnd(STATUS_WIDTH))} ${colors.dim(name.padEnd(NAME_WIDTH))} ${message}${advice}`;
}

const STATUS_WIDTH = 'degraded'.length;
const NAME_WIDTH = 'shared-array-buffer'.length;
const FIX_INDENT = STATUS_WIDTH + 1 + NAME_WIDTH + 1;
