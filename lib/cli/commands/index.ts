import type { CommandDefinition } from '../command';
import { completion } from './completion';
import { doctor } from './doctor';
import { disable, enable } from './enable';
import { get } from './get';
import { persist } from './persist';
import { rollout } from './rollout';
import { status } from './status';
import { terminal } from './terminal';
import { watch } from './watch';

/** In the order of the help. */
export const commands: readonly CommandDefinition[] = [status, get, enable, disable, rollout, terminal, persist, watch, doctor, completion];
