// The ES module door to the one implementation, so that all overrides of a config know of each other.
export { OverrideScope, createTestConfig, override, withOverrides } from '../dist/testing.cjs';
