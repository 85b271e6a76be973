// The ES module door to the one implementation, so that `import` and `require` give the same classes.
export {
  ConfigCore13Byte,
  ConfigError,
  DEFAULT_FEATURES,
  ProductionConfig,
  attachConfig,
  compactNames,
  checkFiles,
  createDevelopmentConfig,
  createProductionConfig,
} from '../dist/index.cjs';
