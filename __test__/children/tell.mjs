import assert from 'node:assert/strict';

/** Has a child that runs `program.mjs` do what a command says, which has to succeed, and returns its result. */
export async function tell(program, ...command) {
  program.send(JSON.stringify(command));
  const { result, error } = JSON.parse(await program.line());
  if (error) assert.fail(`${command[0]} failed with ${error.code}: ${error.message}`);
  return result;
}
