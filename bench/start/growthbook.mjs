// @ts-check
import { open } from '../lib/peers/growthbook.mjs';

const { isDebugOn } = await open();
process.exit(isDebugOn() ? 0 : 1);
