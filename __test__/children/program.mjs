// A program that uses a config as it is told, one command a line: `["enableFeature", "debug"]` calls a member,
// `["getDebugView"]` too, `["open", {…}]` opens a config, `["dropPrivileges"]` stops being root. Each answer is a line:
// `{"result": …}` or `{"error": {"name", "code", "message"}}`.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createProductionConfig } from '13byte-config';

let config;

const commands = {
  open(options) {
    config = createProductionConfig(options);
    return config.toHex();
  },
  dropPrivileges() {
    if (process.getuid() !== 0) return false;
    process.setgid(65_534);
    process.setuid(65_534);
    return true;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = JSON.parse(line);
  answer(await run(name, args));
}

async function run(name, args) {
  try {
    const result = await (commands[name] ? commands[name](...args) : config[name](...args));
    return { result };
  } catch (error) {
    return { error: { name: error.name, code: error.code, message: error.message } };
  }
}

function answer(value) {
  writeSync(1, `${JSON.stringify(value)}\n`);
}
