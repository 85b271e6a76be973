import { Database } from 'bun:sqlite';

// Bun's SQLite is 2-3x faster than node-sqlite3
const db = new Database('./config.db');
// Atomic writes, WAL mode, built-in optimizations
