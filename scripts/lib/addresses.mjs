// @ts-check
// Where the repository is on the web. The sources do not say, since they are the same in every copy of it: the release
// fills it in from the repository that it runs in.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/**
 * @typedef {object} Repository
 * @property {string} address without a slash at the end
 * @property {string} tag of the version that is released
 */

/**
 * The repository that a workflow runs in.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {string} version
 * @returns {Repository}
 */
export function repositoryOf({ GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name }, version) {
  if (!server || !name) {
    throw new Error(
      'GITHUB_SERVER_URL and GITHUB_REPOSITORY have to say where the repository is, as they do in a workflow',
    );
  }
  if (!/^https:\/\/[\w.-]+(:\d+)?$/.test(server) || !/^[\w.-]+\/[\w.-]+$/.test(name)) {
    throw new Error(`${server}/${name} is not the address of a repository`);
  }
  return { address: `${server}/${name}`, tag: `v${version}` };
}

/** @param {string} root */
export function versionOf(root) {
  return readJson(join(root, 'package.json')).version;
}

/**
 * Writes the address into every manifest, and makes links absolute that would lead nowhere in an installed package.
 *
 * @param {string} root
 * @param {Repository} repository
 */
export function fillAddresses(root, repository) {
  for (const directory of packageDirectories(root)) {
    const file = join(root, directory, 'package.json');
    writeFileSync(file, `${JSON.stringify({ ...readJson(file), ...fieldsFor(directory, repository) }, null, 2)}\n`);
  }
  for (const file of pages(root)) {
    const text = readFileSync(join(root, file), 'utf8');
    writeFileSync(
      join(root, file),
      replaceDeadLinks(root, file, text, (path) => addressOf(path, repository)),
    );
  }
}

/**
 * What is missing or wrong in what `fillAddresses` writes.
 *
 * @param {string} root
 * @param {Repository} repository
 * @returns {string | undefined}
 */
export function addressesProblem(root, repository) {
  const problems = packageDirectories(root).flatMap((directory) => {
    const manifest = readJson(join(root, directory, 'package.json'));
    return Object.entries(fieldsFor(directory, repository))
      .filter(([field, wanted]) => JSON.stringify(manifest[field]) !== JSON.stringify(wanted))
      .map(
        ([field, wanted]) =>
          `${posix.join(directory, 'package.json')}: ${field} is ${JSON.stringify(manifest[field])}, not ${JSON.stringify(wanted)}`,
      );
  });
  for (const file of pages(root)) {
    replaceDeadLinks(root, file, readFileSync(join(root, file), 'utf8'), (path) => {
      problems.push(`${file}: the link to ${path} leads nowhere in the package`);
      return path;
    });
  }
  if (problems.length === 0) return undefined;
  return `${problems.join('\n')}\nRun \`node scripts/fill-addresses.mjs\` in the release`;
}

/** @param {string} file */
const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/**
 * The package and those of the platforms.
 *
 * @param {string} root
 */
function packageDirectories(root) {
  return [
    '.',
    ...readdirSync(join(root, 'npm'))
      .toSorted()
      .map((name) => `npm/${name}`),
  ];
}

/**
 * @param {string} directory
 * @param {Repository} repository
 */
function fieldsFor(directory, { address }) {
  return {
    repository: { type: 'git', url: `git+${address}.git`, ...(directory !== '.' && { directory }) },
    homepage: `${address}#readme`,
    bugs: { url: `${address}/issues` },
  };
}

/**
 * What is published of the documentation, as paths with slashes.
 *
 * @param {string} root
 * @returns {string[]}
 */
function pages(root) {
  const { files } = readJson(join(root, 'package.json'));
  return [
    'README.md',
    ...files.filter((/** @type {string} */ file) => file.endsWith('.md') && !file.startsWith('dist/')),
  ];
}

/**
 * Replaces the relative links of a page. Those of the README and the changelog are followed on the registry's website, where
 * no file is beside them; in `docs/` those to published pages lead there.
 *
 * @param {string} root
 * @param {string} page
 * @param {string} text
 * @param {(path: string) => string} replace is given a path in the repository, with what comes after `#`
 */
function replaceDeadLinks(root, page, text, replace) {
  const published = page.includes('/') ? pages(root) : [];
  /** @param {string} target */
  const replaced = (target) => {
    if (/^(?:[a-z][a-z\d+.-]*:|#|\/\/)/i.test(target)) return target;
    const path = posix.join(posix.dirname(page), target);
    const [file = ''] = path.split('#');
    if (!existsSync(join(root, file))) throw new Error(`${page} has a link to ${target}, which does not exist`);
    return published.includes(file) ? target : replace(path);
  };
  // Code is left as it is.
  return text
    .split(/(^```.*?^```$|`[^`\n]*`)/ms)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part
            .replace(/\]\(([^)\s]+)\)/g, (_all, target) => `](${replaced(target)})`)
            .replace(/\b(src|srcset|href)="([^"\s]+)"/g, (_all, name, target) => `${name}="${replaced(target)}"`),
    )
    .join('');
}

/**
 * @param {string} path
 * @param {Repository} repository
 */
function addressOf(path, { address, tag }) {
  return `${address}/${/\.(?:svg|png)$/.test(path) ? 'raw' : 'blob'}/${tag}/${path}`;
}
