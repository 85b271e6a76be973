// @ts-check
import { open } from '../lib/peers/unleash-client.mjs';

const { isDebugOn } = await open();
process.exit(isDebugOn() ? 0 : 1);
