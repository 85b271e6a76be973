// Counts the calls of every function of the native binding. Import it before the package, which keeps the functions it
// finds: `import './children/counted-binding.mjs'`, then `await import('13byte-config')`.
import { createRequire } from 'node:module';
import { addonFile } from '../../scripts/lib/addon.mjs';

const binding = createRequire(import.meta.url)(addonFile());

/** Calls by name, such as `releasePage` or `NativeStore.persist`. */
export const calls = new Map();

/** The pages that were opened, by their place in memory, newest last. */
export const handles = [];

/** Forgets everything so far. */
export function reset() {
  calls.clear();
  handles.length = 0;
}

for (const [name, value] of Object.entries(binding)) {
  if (typeof value === 'function') binding[name] = isClass(value) ? countedClass(name, value) : counted(name, value);
}

function isClass(value) {
  return Object.getOwnPropertyNames(value.prototype ?? {}).length > 1;
}

function counted(name, call) {
  return (...args) => {
    calls.set(name, (calls.get(name) ?? 0) + 1);
    const result = call(...args);
    if (typeof result?.handle === 'number') handles.push(result.handle);
    return result;
  };
}

/** A target for proxies that `new` is used on. */
function constructible() {}

/** The static functions of a class. Its members are fixed, so its instances get a counter each. */
function countedClass(className, Class) {
  const names = Object.getOwnPropertyNames(Class).filter((name) => typeof Class[name] === 'function');
  const make = (name) =>
    counted(`${className}.${name}`, (...args) => {
      const result = Class[name](...args);
      return result instanceof Class ? countedInstance(className, result) : result;
    });
  const members = Object.fromEntries(names.map((name) => [name, make(name)]));
  // What `new` makes is handed to other native functions, so it stays as it is.
  const construct = (_target, args) => counted(`new ${className}`, () => new Class(...args))();
  return Object.assign(new Proxy(constructible, { construct }), members);
}

function countedInstance(className, instance) {
  return new Proxy(
    {},
    {
      get(_target, name) {
        const value = instance[name];
        return typeof value === 'function'
          ? counted(`${className}.${String(name)}`, (...args) => value.apply(instance, args))
          : value;
      },
    },
  );
}
