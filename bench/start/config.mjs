// @ts-check
import { open } from '../lib/peers/config.mjs';

const { isDebugOn } = await open();
process.exit(isDebugOn() ? 0 : 1);
