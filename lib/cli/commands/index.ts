import type { CommandDefinition } from '../command';
import { disable, enable } from './enable';
import { get } from './get';
import { status } from './status';

/** In the order of the help. */
export const commands: readonly CommandDefinition[] = [status, get, enable, disable];
