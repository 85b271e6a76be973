import type { CommandDefinition } from '../command';
import { backup } from './backup';
import { compact } from './compact';
import { completion } from './completion';
import { describe } from './describe';
import { diff } from './diff';
import { doctor } from './doctor';
import { disable, enable } from './enable';
import { exportStates } from './export';
import { get } from './get';
import { history } from './history';
import { importState } from './import';
import { persist } from './persist';
import { promote } from './promote';
import { prune } from './prune';
import { retire, revive } from './retire';
import { rollback } from './rollback';
import { rollout } from './rollout';
import { stale } from './stale';
import { status } from './status';
import { terminal } from './terminal';
import { verify } from './verify';
import { watch } from './watch';

/** In the order of the help. */
export const commands: readonly CommandDefinition[] = [
  status,
  get,
  describe,
  enable,
  disable,
  rollout,
  terminal,
  persist,
  watch,
  history,
  diff,
  stale,
  retire,
  revive,
  rollback,
  promote,
  exportStates,
  importState,
  verify,
  backup,
  prune,
  compact,
  doctor,
  completion,
];
