// Loaded first into every Node and Bun of an emulated platform: its own file cannot be started without the emulator, so that
// programs which start another one of their kind are given the command that starts both.
process.execPath = process.env.SPEC_EXEC_PATH;
