import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { DEFAULT_FEATURES } from '13byte-config';
import { suite } from './harness/suite.mjs';

// What an editor shows while somebody types, asked of the service that editors ask. `|` stands for the cursor.

const IMPORTS = "import { createDevelopmentConfig, createProductionConfig } from '13byte-config';\n";
const MINE = "const config = createProductionConfig({ features: ['checkout', 'search'] });\n";

export default suite('in an editor', {
  'names of the default features are completed'() {
    for (const use of ['enableFeature', 'disableFeature', 'toggleFeature', 'isFeatureEnabled', 'feature']) {
      assert.deepEqual(completions(`createProductionConfig().${use}('|')`), [...DEFAULT_FEATURES], use);
    }
    assert.deepEqual(completions("createDevelopmentConfig({ debugMode: true }).setFeature('|', true)"), [
      ...DEFAULT_FEATURES,
    ]);
  },

  "names of one's own list are completed, and no others"() {
    for (const use of [
      "config.enableFeature('|')",
      "config.setFeature('|', true)",
      "config.feature('|')",
      "config.update((draft) => draft.enable('checkout', '|'))",
      "config.update((draft) => draft.set('|', true))",
      "config.getDebugView().features.enabled.includes('|')",
    ]) {
      assert.deepEqual(completions(`${MINE}${use}`), ['checkout', 'search'], use);
    }
  },

  'names of declared features are completed, and what there is to say of them'() {
    const declared = "const config = createProductionConfig({ features: { checkout: { owner: 'a' }, search: {} } });";
    for (const use of ["config.enableFeature('|')", "config.getFeatureInfo('|')"]) {
      assert.deepEqual(completions(`${declared}${use}`), ['checkout', 'search'], use);
    }
    assert.deepEqual(completions('createProductionConfig({ features: { checkout: { | } } })'), [
      'description',
      'enabled',
      'expires',
      'owner',
      'rollout',
    ]);
  },

  'options are completed by name and by value'() {
    const names = completions('createProductionConfig({ | })');
    for (const name of [
      'persistPath',
      'environment',
      'features',
      'debugMode',
      'actor',
      'autoLoad',
      'onStoreError',
      'readOnly',
    ]) {
      assert.ok(names.includes(name), `${name} is missing among ${names.join(', ')}`);
    }
    assert.deepEqual(completions("createProductionConfig({ onStoreError: '|' })").toSorted(), ['degrade', 'throw']);
  },

  'a misspelt feature is underlined, with the names there are'() {
    const [problem, ...others] = problems(`${MINE}config.enableFeature('serach');`);
    assert.deepEqual(others, []);
    assert.match(problem, /"serach"/);
    assert.match(problem, /"checkout" \| "search"/);
    assert.deepEqual(problems(`${MINE}config.enableFeature('search');`), []);
  },

  'everything public has a comment'() {
    const { exports, members } = publicSymbols();
    assert.ok(exports.length > 20 && members.length > 80, `${exports.length} exports with ${members.length} members`);
    const silent = [...exports, ...members].filter(({ comment }) => comment === '').map(({ name }) => name);
    assert.deepEqual(
      silent.filter((name) => !isPlain(name)),
      [],
    );
  },

  'what it takes to begin has an example'() {
    const { exports, members } = publicSymbols();
    const examples = [...exports, ...members].filter(({ example }) => example).map(({ name }) => name);
    for (const name of [
      'createProductionConfig',
      'ProductionConfig',
      'ConfigCore13Byte',
      'ConfigError',
      'ProductionConfig.update',
      'ProductionConfig.feature',
    ]) {
      assert.ok(examples.includes(name), `${name} has no example, only ${examples.join(', ')}`);
    }
  },
});

/** Members whose names and types say it all. */
function isPlain(name) {
  return /^(OperationTiming\.\w+Ns|TerminalSettings\.\w+|DebugView\.terminal|Feature\.name|StoreStatus\.status|Validation\.isValid|ProductionConfig\.__@.*)$/.test(
    name,
  );
}

// The compiler has slashes on every platform.
const file = fileURLToPath(new URL('./types/in-an-editor.ts', import.meta.url)).replaceAll('\\', '/');
let [text, version] = ['', 0];
const service = ts.createLanguageService({
  getScriptFileNames: () => [file],
  getScriptVersion: (name) => (name === file ? `${version}` : '1'),
  getScriptSnapshot(name) {
    const content = name === file ? text : ts.sys.readFile(name);
    return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
  },
  getCurrentDirectory: () => fileURLToPath(new URL('.', import.meta.url)),
  getCompilationSettings: () => ({
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    strict: true,
    types: [],
  }),
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  fileExists: (name) => name === file || ts.sys.fileExists(name),
  readFile: ts.sys.readFile,
  directoryExists: ts.sys.directoryExists,
});

function edit(source) {
  text = `${IMPORTS}${source}`;
  version += 1;
}

/** What is offered at the cursor. */
function completions(source) {
  edit(source);
  const cursor = text.indexOf('|');
  text = text.replace('|', '');
  return service.getCompletionsAtPosition(file, cursor, {})?.entries.map(({ name }) => name) ?? [];
}

/** What is underlined. */
function problems(source) {
  edit(source);
  return service
    .getSemanticDiagnostics(file)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

/** All exports, and the members of those that have any, with what is written about them. */
function publicSymbols() {
  edit('');
  const program = service.getProgram();
  const checker = program.getTypeChecker();
  const [statement] = program.getSourceFile(file).statements;
  const exports = checker.getExportsOfModule(checker.getSymbolAtLocation(statement.moduleSpecifier));
  const describe = (symbol, name) => ({
    name,
    comment: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
    example: symbol.getJsDocTags(checker).some((tag) => tag.name === 'example'),
  });
  const members = exports.flatMap((symbol) =>
    [...(symbol.members?.values() ?? [])]
      .filter(({ flags }) => flags & (ts.SymbolFlags.Property | ts.SymbolFlags.Method | ts.SymbolFlags.Accessor))
      .filter(({ name }) => !name.includes('#'))
      .map((member) => describe(member, `${symbol.name}.${member.name}`)),
  );
  return { exports: exports.map((symbol) => describe(symbol, symbol.name)), members };
}
