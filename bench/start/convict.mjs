// @ts-check
import { open } from '../lib/peers/convict.mjs';

const { isDebugOn } = await open();
process.exit(isDebugOn() ? 0 : 1);
