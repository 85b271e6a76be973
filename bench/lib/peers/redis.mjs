// @ts-check
// Redis on the same machine without persistence, by its official client over one TCP connection: a string for each flag.
import { connectRedis } from '../channels.mjs';
import { isOn, names } from '../flags.mjs';
import { startRedis } from '../redis.mjs';

export async function open() {
  const server = await startRedis();
  if (!server) throw new Error('redis-server does not start');
  const client = await connectRedis(server.port);
  for (const name of names) await client.set(name, isOn(name) ? '1' : '0');
  const ask = async (/** @type {string} */ name) => (await client.get(name)) === '1';
  return { isOn: ask, isDebugOn: () => ask('debug') };
}
