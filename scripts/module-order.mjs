// @ts-check
// Checks that the modules of src import one way: no circles, and each room only what stands before it in the list.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importsOf, orderProblems } from './lib/module-order.mjs';
import { inRoot } from './lib/paths.mjs';

const source = inRoot('src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.rs'))
  .map((file) => /** @type {const} */ ([file.replaceAll('\\', '/'), readFileSync(join(source, file), 'utf8')]));
const problems = orderProblems(importsOf(new Map(files)));
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
