// @ts-check
// Says whether the packages are fit to publish: run by the release after it has collected
// the addons of every platform.
import { existsSync, readFileSync } from 'node:fs';
import { addressesProblem, repositoryOf, versionOf } from './lib/addresses.mjs';
import { packedFilesProblem, platformPackagesProblem } from './lib/consistency.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { runMain } from './lib/progress.mjs';

/** @param {string} file */
const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

await runMain(async () => {
  const problems = [
    await platformPackagesProblem(),
    await packedFilesProblem(),
    addonsProblem(),
    addressesProblem(root, repositoryOf(process.env, versionOf(root))),
  ];
  const found = problems.filter((problem) => problem !== undefined);
  process.stderr.write(found.map((problem) => `${problem}\n`).join(''));
  return found.length === 0 ? 0 : 1;
});

/** The root depends on every platform's package in its own version, and each holds its addon. */
function addonsProblem() {
  const { optionalDependencies = {}, version, napi } = readJson(inRoot('package.json'));
  const names = Object.keys(optionalDependencies);
  const problems = [];
  if (names.length !== napi.targets.length) {
    problems.push(`the package depends on ${names.length} addons, not ${napi.targets.length}`);
  }
  for (const name of names) {
    const directory = inRoot('npm', name.slice(`${napi.packageName}-`.length));
    const { main } = readJson(`${directory}/package.json`);
    if (optionalDependencies[name] !== version)
      problems.push(`the package depends on ${name} ${optionalDependencies[name]}`);
    if (!existsSync(`${directory}/${main}`)) problems.push(`${name} has no ${main}`);
  }
  return problems.length > 0 ? problems.join('\n') : undefined;
}
