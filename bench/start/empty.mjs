// @ts-check
// What the others are compared with.
process.exit();
