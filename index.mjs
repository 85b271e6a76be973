// The ES module door to the one implementation, so that `import` and `require` give the same classes.
export * from './dist/index.cjs';
