// Asks a web server, and prints what it answers.
//
//   node examples/maintenance/ask.mjs http://127.0.0.1:8080/
const response = await fetch(process.argv[2] ?? 'http://127.0.0.1:8080/');
console.log(response.status, await response.text());
