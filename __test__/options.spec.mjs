import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, createDevelopmentConfig, createProductionConfig, DEFAULT_FEATURES } from '13byte-config';
import { suite } from './harness/suite.mjs';

const ENVIRONMENT_RULE = "(must be a letter, digit or '_', then up to 63 letters, digits, '_', '.' or '-')";

export default suite('options', {
  'all options are optional'(t) {
    for (const create of [createProductionConfig, createDevelopmentConfig]) {
      for (const options of [
        [],
        [undefined],
        [{}],
        [{ persistPath: undefined, features: undefined, actor: undefined, readOnly: undefined }],
      ]) {
        const config = create(...options);
        t.after(() => config.close());
        assert.equal(config.environment, 'development');
        assert.deepEqual(config.getFeatureNames(), [...DEFAULT_FEATURES]);
      }
    }
  },

  'an unknown option is refused with all the options there are'() {
    for (const name of ['persistpath', 'path', 'debug', 'constructor', 'on_store_error']) {
      assert.throws(
        () => createProductionConfig({ [name]: true }),
        (error) => {
          assert.ok(error instanceof TypeError);
          assert.equal(error.code, 'ERR_UNKNOWN_OPTION');
          assert.ok(
            error.message.startsWith(`Unknown option: ${name}. Available: persistPath, environment, features, `),
            error.message,
          );
          for (const known of ['debugMode', 'actor', 'autoLoad', 'onStoreError', 'readOnly']) {
            assert.match(error.message, new RegExp(`\\b${known}\\b`));
          }
          return true;
        },
      );
    }
    assert.throws(
      () => createDevelopmentConfig({ debgMode: undefined }),
      { code: 'ERR_UNKNOWN_OPTION' },
      'whatever its value',
    );
  },

  'options that are not an object are refused'() {
    for (const [value, shown] of [
      [null, 'null'],
      ['./config.db', '"./config.db"'],
      [7, '7'],
      [true, 'true'],
      [[], 'an array'],
      [() => {}, 'an instance of Function'],
    ]) {
      assert.throws(() => createProductionConfig(value), {
        name: 'TypeError',
        code: 'ERR_INVALID_TYPE',
        message: `Invalid options: ${shown} (must be an object)`,
      });
    }
  },

  'every option refuses values of another type, by name'() {
    for (const [option, type, values] of [
      ['persistPath', 'a string', [null, 7, true, {}, new URL('file:///config.db')]],
      ['environment', 'a string', [null, 7, ['production']]],
      ['debugMode', 'true or false', [null, 1, 'true']],
      ['actor', 'a string', [null, 7, {}]],
      ['autoLoad', 'true or false', [null, 0, 'false']],
      ['enableClusterSync', "true, false or 'if-live'", [null, 1]],
      ['clusterName', 'a string', [null, 7, {}]],
      ['onStoreError', 'a string', [null, true, () => 'throw']],
      ['readOnly', 'true or false', [null, 1, 'yes']],
      ['fileMustExist', 'true or false', [null, 1, 'yes']],
      ['liveMustExist', 'true or false', [null, 1, 'yes']],
      [
        'features',
        'an array of names, or an object with a declaration for each',
        [null, 'debug', new Set(['debug']), new Map(), new Date(0), () => ['debug']],
      ],
    ]) {
      for (const value of values) {
        assert.throws(
          () => createProductionConfig({ [option]: value }),
          (error) => {
            assert.ok(error instanceof TypeError, `${option}: ${error}`);
            assert.equal(error.code, 'ERR_INVALID_TYPE');
            assert.ok(error.message.startsWith(`Invalid ${option}: `), error.message);
            assert.ok(error.message.endsWith(` (must be ${type})`), error.message);
            return true;
          },
        );
      }
    }
  },

  'a path that names nothing is refused'() {
    for (const [path, shown] of [
      ['', '""'],
      ['config\0.db', String.raw`"config\u0000.db"`],
    ]) {
      assert.throws(() => createProductionConfig({ persistPath: path }), {
        name: 'RangeError',
        code: 'ERR_INVALID_VALUE',
        message: `Invalid persistPath: ${shown} (must be the path of a file)`,
      });
    }
  },

  'an environment has a name of its own'(t) {
    for (const environment of ['production', 'a', '7', '_', 'eu-west.1_b', 'x'.repeat(64)]) {
      const config = createProductionConfig({ environment });
      t.after(() => config.close());
      assert.equal(config.environment, environment);
    }
    for (const environment of ['', ' ', '-a', '.a', 'a b', 'a/b', '../a', 'ä', 'a\n', 'x'.repeat(65)]) {
      assert.throws(
        () => createProductionConfig({ environment }),
        {
          name: 'RangeError',
          code: 'ERR_INVALID_VALUE',
          message: `Invalid environment: ${JSON.stringify(environment)} ${ENVIRONMENT_RULE}`,
        },
        environment,
      );
    }
  },

  'NODE_ENV is the default environment, and is checked like one'(t) {
    const { NODE_ENV } = process.env;
    t.after(() => {
      if (NODE_ENV === undefined) delete process.env.NODE_ENV;
      else process.env.NODE_ENV = NODE_ENV;
    });
    const environmentIn = (value, options) => {
      process.env.NODE_ENV = value;
      const config = createProductionConfig(options);
      t.after(() => config.close());
      return config.environment;
    };
    assert.equal(environmentIn('production'), 'production');
    assert.equal(environmentIn('production', { environment: 'staging' }), 'staging');
    assert.equal(environmentIn(''), 'development');
    assert.throws(() => environmentIn('not an environment'), {
      name: 'RangeError',
      code: 'ERR_INVALID_VALUE',
      message: `Invalid NODE_ENV: "not an environment" ${ENVIRONMENT_RULE}`,
    });
    assert.equal(
      environmentIn('not an environment', { environment: 'staging' }),
      'staging',
      'which then is not looked at',
    );
  },

  'what must exist has to be asked for'() {
    for (const [options, message] of [
      [{ fileMustExist: true }, 'Invalid fileMustExist: it requires persistPath'],
      [{ liveMustExist: true }, 'Invalid liveMustExist: it requires enableClusterSync: true'],
      [{ liveMustExist: true, persistPath: 'config.db' }, 'Invalid liveMustExist: it requires enableClusterSync: true'],
      [
        { liveMustExist: true, enableClusterSync: 'if-live' },
        'Invalid liveMustExist: it requires enableClusterSync: true',
      ],
      [{ enableClusterSync: 'yes' }, 'Invalid enableClusterSync: "yes" (must be true, false or \'if-live\')'],
    ]) {
      assert.throws(() => createProductionConfig(options), { name: 'RangeError', code: 'ERR_INVALID_VALUE', message });
    }
  },

  'a cluster has a name only where it needs one'(t) {
    for (const options of [
      { clusterName: 'shop' },
      { clusterName: 'shop', enableClusterSync: false },
      { clusterName: 'shop', enableClusterSync: true, persistPath: join(t.tempDir(), 'config.db') },
    ]) {
      assert.throws(
        () => createProductionConfig(options),
        (error) => {
          assert.ok(error instanceof RangeError);
          assert.equal(error.code, 'ERR_INVALID_VALUE');
          assert.ok(
            error.message.startsWith(
              'Invalid clusterName: it requires enableClusterSync, and cannot be combined with persistPath',
            ),
            error.message,
          );
          return true;
        },
      );
    }
    for (const clusterName of ['', 'a b', '../a', 'x'.repeat(65)]) {
      assert.throws(() => createProductionConfig({ enableClusterSync: true, clusterName }), {
        name: 'RangeError',
        code: 'ERR_INVALID_VALUE',
        message: `Invalid clusterName: ${JSON.stringify(clusterName)} ${ENVIRONMENT_RULE}`,
      });
    }
  },

  'features are named by rule'(t) {
    const names = ['a', 'Z', 'beta_feature', 'a.b-c_9', 'x'.repeat(63)];
    const config = createProductionConfig({ features: names });
    t.after(() => config.close());
    assert.deepEqual(config.getFeatureNames(), names);
    for (const name of [
      '',
      ' ',
      '9a',
      '_a',
      '-a',
      '.a',
      'a b',
      'a,b',
      'ä',
      'a\nb',
      'a\0',
      '__proto__',
      'x'.repeat(64),
      '🚀',
    ]) {
      assert.throws(
        () => createProductionConfig({ features: ['good', name] }),
        (error) => {
          assert.ok(error instanceof ConfigError, `${error}`);
          assert.equal(error.code, 'ERR_INVALID_FEATURE_NAME');
          assert.match(
            error.message,
            /^Invalid feature name: ".*" \(a letter, then up to 62 letters, digits, '_', '\.' or '-'\)$/,
          );
          return true;
        },
        JSON.stringify(name),
      );
    }
  },

  'each feature is listed once'() {
    assert.throws(() => createProductionConfig({ features: ['a', 'b', 'a'] }), {
      name: 'ConfigError',
      code: 'ERR_DUPLICATE_FEATURE',
      message: 'Duplicate feature name: a (list each feature once)',
    });
  },

  async 'an empty list of features registers none'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const open = (options) => createProductionConfig({ persistPath, ...options });
    const tool = open({ features: [] });
    assert.deepEqual([tool.getFeatureNames(), tool.featureFlags], [[], 0]);
    assert.throws(() => tool.isFeatureEnabled('debug'), { code: 'ERR_UNKNOWN_FEATURE' });
    await tool.persist();
    await tool.close();
    const program = open({ features: ['own'] });
    assert.deepEqual(program.getFeatureNames(), ['own']);
    await program.close();
  },

  'there are at most 256 features'(t) {
    const names = Array.from({ length: 257 }, (_, index) => `f${index}`);
    const config = createProductionConfig({ features: names.slice(0, 256) });
    t.after(() => config.close());
    assert.equal(config.getFeatureNames().length, 256);
    assert.throws(() => createProductionConfig({ features: names }), {
      name: 'ConfigError',
      code: 'ERR_TOO_MANY_FEATURES',
      message: 'No bit left for feature f256: all 256 have names already. Keep the new one in another database',
    });
  },

  'a feature name that is not a string is refused'() {
    for (const [value, shown] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [7, '7'],
      [['a'], 'an array'],
      [{}, 'an instance of Object'],
    ]) {
      assert.throws(() => createProductionConfig({ features: ['good', value] }), {
        name: 'TypeError',
        code: 'ERR_INVALID_TYPE',
        message: `Invalid feature name: ${shown} (must be a string)`,
      });
    }
  },

  'the list of features is copied'(t) {
    const features = ['a', 'b'];
    const config = createProductionConfig({ features });
    t.after(() => config.close());
    features.push('c');
    features[0] = 'd';
    assert.deepEqual(config.getFeatureNames(), ['a', 'b']);
    assert.throws(() => config.enableFeature('d'), { code: 'ERR_UNKNOWN_FEATURE' });
  },

  'an actor is text for the history'() {
    for (const actor of ['', '  ', 'x'.repeat(256), 'a\0b', '\uD83D', '\uDE80 a']) {
      assert.throws(
        () => createProductionConfig({ actor }),
        (error) => {
          assert.ok(error instanceof RangeError);
          assert.equal(error.code, 'ERR_INVALID_VALUE');
          assert.match(error.message, /^Invalid actor: ".*"/);
          return true;
        },
      );
    }
    createProductionConfig({ actor: 'x'.repeat(255) }).destroy();
    createProductionConfig({ actor: 'Jürgen 🚀' }).destroy();
  },

  'onStoreError has two values'() {
    createProductionConfig({ onStoreError: 'throw' }).destroy();
    createProductionConfig({ onStoreError: 'degrade' }).destroy();
    for (const value of ['', 'ignore', 'Throw']) {
      assert.throws(() => createProductionConfig({ onStoreError: value }), {
        name: 'RangeError',
        code: 'ERR_INVALID_VALUE',
        message: `Invalid onStoreError: ${JSON.stringify(value)} (must be 'throw' or 'degrade')`,
      });
    }
  },

  'a long value is cut in the message'() {
    assert.throws(() => createProductionConfig({ environment: 'x'.repeat(10_000) }), {
      message: `Invalid environment: "${'x'.repeat(80)}…" ${ENVIRONMENT_RULE}`,
    });
  },

  'nothing is opened or created before all options are checked'(t) {
    const directory = t.tempDir();
    const persistPath = join(directory, 'config.db');
    for (const wrong of [
      { unknown: 1 },
      { environment: '' },
      { features: 'a' },
      { features: ['a', 'a'] },
      { features: ['9'] },
      { features: Array.from({ length: 257 }, (_, index) => `f${index}`) },
      { debugMode: 1 },
      { actor: '' },
      { autoLoad: 1 },
      { onStoreError: 'ignore' },
      { readOnly: 1 },
      { enableClusterSync: 1 },
      { enableClusterSync: true, clusterName: 'shop' },
    ]) {
      assert.throws(() => createProductionConfig({ persistPath, ...wrong }));
      assert.deepEqual(readdirSync(directory), [], JSON.stringify(wrong));
    }
    // The same path works once the options do.
    createProductionConfig({ persistPath }).destroy();
    assert.ok(existsSync(persistPath));
  },

  'degrade does not hide wrong options'() {
    assert.throws(() => createProductionConfig({ onStoreError: 'degrade', persistPath: '' }), {
      code: 'ERR_INVALID_VALUE',
    });
    assert.throws(() => createProductionConfig({ onStoreError: 'degrade', features: ['a', 'a'] }), {
      code: 'ERR_DUPLICATE_FEATURE',
    });
  },
});
