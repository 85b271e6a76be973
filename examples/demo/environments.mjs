import { join } from 'node:path';
import { createDevelopmentConfig, createProductionConfig } from '13byte-config';
import { check, list, note, say, table } from './terminal.mjs';

/** @typedef {import('13byte-config').ProductionConfig<any>} Config */

/**
 * Three deployments of one service, each with a state and a history of its own in the same file.
 *
 * @param {string} directory
 */
export async function environments(directory) {
  const persistPath = join(directory, 'service-config.db');
  say('Development, staging and production each have a state and a history of their own, in one SQLite file:');
  note(persistPath);

  const development = createDevelopmentConfig({ persistPath, environment: 'development', actor: 'ana' });
  await development.persist('service_deployment');

  const staging = createProductionConfig({ persistPath, environment: 'staging', actor: 'deploy-bot' });
  staging.update((draft) => {
    draft.enable('metrics', 'encryption', 'caching');
    draft.terminal(2, 50, 120);
  });
  await staging.persist('service_deployment');

  const production = createProductionConfig({ persistPath, environment: 'production', actor: 'ben' });
  production.enableFeature('metrics');
  production.enableFeature('encryption');
  await production.persist('service_deployment');

  const all = [development, staging, production];
  showEnvironments(all);

  say("Staging looks good, so production takes it over with `production.promote('staging')`:");
  const { changes } = await production.promote('staging');
  showEnvironments(all);

  check(
    list(changes) === '+caching, terminal raw 24x80 → raw 50x120',
    `promoting changed exactly this: ${list(changes)}`,
  );
  check(production.toHex() === staging.toHex(), `production and staging are the same 13 bytes: ${production.toHex()}`);
  check(
    development.isFeatureEnabled('debug') && !production.isFeatureEnabled('debug'),
    'debug is on in development alone',
  );
  await Promise.all(all.map((config) => config.close()));
}

/** @param {readonly Config[]} configs */
function showEnvironments(configs) {
  table(
    [
      { title: 'environment', style: 'bold' },
      { title: 'revision', align: 'right' },
      { title: 'terminal' },
      { title: 'features that are on', style: 'green' },
    ],
    configs.map((config) => {
      const { environment, features, terminal, revision } = config.getDebugView();
      return [environment, String(revision), `${terminal.modeName} ${terminal.dimensions}`, list(features.enabled)];
    }),
  );
}
