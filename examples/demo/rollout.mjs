import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { check, list, say, table } from './terminal.mjs';

/**
 * A feature goes out step by step, something goes wrong, and the history tells the story.
 *
 * @param {string} directory
 */
export async function rollout(directory) {
  const config = createProductionConfig({
    persistPath: join(directory, 'flags.db'),
    environment: 'production',
    actor: 'deploy-bot',
  });

  config.enableFeature('metrics');
  await config.persist('before_the_rollout');

  config.enableFeature('beta_feature');
  await config.persist('beta_rollout_10_percent', { actor: 'ana' });

  config.update((draft) => draft.enable('caching', 'compression'));
  await config.persist('beta_rollout_50_percent', { actor: 'ana' });

  config.update((draft) => {
    draft.enable('new_feature');
    draft.disable('compression');
  });
  const full = await config.persist('beta_rollout_full', { actor: 'ben' });

  say(
    'Ana and Ben roll a feature out, and persist every step with its reason. Then the error rate climbs: Ana calls `config.rollback()`, which goes back one step, and is recorded as well.',
  );
  const back = await config.rollback(undefined, { actor: 'ana' });
  const history = await config.getHistory();
  table(
    [
      { title: 'rev', align: 'right', style: 'bold' },
      { title: 'when' },
      { title: 'who' },
      { title: 'why', style: 'cyan' },
      { title: 'what changed', style: 'green' },
    ],
    history.map(({ revision, createdAt, actor, changeReason, changes }) => [
      String(revision),
      createdAt.toISOString().slice(11, 23),
      actor,
      changeReason,
      list(changes),
    ]),
  );

  const { changes } = await config.diff(full.revision, back.revision);
  say(`\`config.diff(${full.revision}, ${back.revision})\` says what the rollback undid: ${list(changes)}`);

  check(history.length === 5, 'five revisions, and none was rewritten');
  check(
    back.restoredFrom === full.revision - 1,
    `revision ${back.revision} repeats the state of revision ${back.restoredFrom}`,
  );
  check(list(changes) === '+compression, -new_feature', 'new_feature is off again, and compression is back on');
  check(
    new Set(history.map(({ digest }) => digest)).size === 5,
    `every revision is sealed with a SHA-256: ${back.digest.slice(0, 32)}…`,
  );
  await config.close();
}
