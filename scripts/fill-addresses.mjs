// @ts-check
// Writes the address of the repository into all manifests and published pages: run by the release, which knows it.
import { fillAddresses, repositoryOf, versionOf } from './lib/addresses.mjs';
import { root } from './lib/paths.mjs';

fillAddresses(root, repositoryOf(process.env, versionOf(root)));
