// ESLint says the complexity of every function, however small, and heeds no comment that would silence it.
// NODE_PATH names the folder with the linter's plugins; SOURCE_TYPE is `module` where files use `import`.
const parser = require('@typescript-eslint/parser');
const rules = { complexity: ['warn', { max: 0 }] };
const plugins = {};
try {
  const sonarjs = require('eslint-plugin-sonarjs');
  plugins.sonarjs = sonarjs.default ?? sonarjs;
  rules['sonarjs/cognitive-complexity'] = ['warn', 0];
} catch {
  console.error('eslint-plugin-sonarjs is not there: no cognitive complexity');
}
const linterOptions = { noInlineConfig: true, reportUnusedDisableDirectives: 'off' };
const script = { ecmaVersion: 'latest', sourceType: process.env.SOURCE_TYPE ?? 'commonjs' };
module.exports = [
  { files: ['**/*.js'], languageOptions: script, plugins, rules, linterOptions },
  { files: ['**/*.ts'], languageOptions: { parser }, plugins, rules, linterOptions },
];
