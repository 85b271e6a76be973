// @ts-check
import { open } from '../lib/peers/launchdarkly.mjs';

const { isDebugOn } = await open();
process.exit((await isDebugOn()) ? 0 : 1);
