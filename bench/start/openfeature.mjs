// @ts-check
import { open } from '../lib/peers/openfeature.mjs';

const { isDebugOn } = await open();
process.exit((await isDebugOn()) ? 0 : 1);
