/** How the JavaScript and TypeScript of this repository is linted. */

import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import jsdoc from 'eslint-plugin-jsdoc';
import globals from 'globals';
import ts from 'typescript-eslint';

const style = {
  'curly': ['error', 'multi-line'],
  'eqeqeq': 'error',
  // We look for the control characters of binary formats.
  'no-control-regex': 'off',
  'no-implicit-coercion': 'error',
  'no-unused-expressions': 'error',
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
  'prefer-template': 'error',
};

const unusedVariables = { argsIgnorePattern: '^_', ignoreRestSiblings: true };

const documented = {
  'jsdoc/check-alignment': 'error',
  'jsdoc/check-param-names': ['error', { checkDestructured: false }],
  'jsdoc/check-tag-names': ['error', { definedTags: ['packageDocumentation'] }],
  'jsdoc/empty-tags': 'error',
};

const documentedKinds = [
  'ClassDeclaration',
  'ExportNamedDeclaration > VariableDeclaration',
  'FunctionDeclaration',
  'MethodDefinition:not([kind="constructor"])',
  'TSEnumDeclaration',
  'TSInterfaceDeclaration',
  'TSMethodSignature',
  'TSTypeAliasDeclaration',
];

export default defineConfig(
  globalIgnores(['dist/', 'target/', 'node_modules/', '.toolchain/', 'tmp/']),

  {
    files: ['**/*.{js,mjs,cjs,ts}'],
    extends: [js.configs.recommended],
    languageOptions: { ecmaVersion: 2023, sourceType: 'module' },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { jsdoc },
    settings: { jsdoc: { mode: 'typescript', ignorePrivate: true } },
    rules: { ...style, ...documented, 'no-unused-vars': ['error', unusedVariables] },
  },

  {
    // The package: every export is documented, and the rules know the types.
    files: ['js/**/*.ts'],
    extends: [ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked],
    languageOptions: {
      globals: globals['shared-node-browser'],
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // The compiler knows better what is defined.
      'no-undef': 'off',
      'no-unused-expressions': 'off',
      '@typescript-eslint/no-unused-expressions': 'error',
      '@typescript-eslint/no-unused-vars': ['error', unusedVariables],
      // Callers may write plain JavaScript: we check what the types promise.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unnecessary-type-conversion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-unused-vars': 'off',
      'jsdoc/no-types': 'error',
      'jsdoc/require-description': ['error', { contexts: documentedKinds }],
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: { esm: true },
          require: { FunctionDeclaration: false },
          exemptOverloadedImplementations: true,
          skipInterveningOverloadedDeclarations: true,
          contexts: documentedKinds,
        },
      ],
    },
  },

  {
    files: ['scripts/**/*.mjs', 'eslint.config.js'],
    languageOptions: { globals: globals.nodeBuiltin },
    rules: { 'jsdoc/require-jsdoc': ['error', { publicOnly: true }] },
  },
  {
    files: ['www/**/*.js'],
    languageOptions: { globals: { ...globals.browser, ...globals.worker } },
  },
  {
    // Many of these run both in Node and in a page.
    files: ['pkg-tests/**/*.{js,mjs,cjs}', 'bench/**/*.mjs'],
    languageOptions: { globals: { ...globals.browser, ...globals.nodeBuiltin } },
  },
  {
    files: ['pkg-tests/**/*.cjs'],
    languageOptions: { sourceType: 'commonjs' },
  },
  {
    files: ['pkg-tests/**/*.ts'],
    extends: [ts.configs.strict],
    // Sample consumers use what they import by its type alone.
    rules: { '@typescript-eslint/no-unused-vars': 'off', 'no-unused-vars': 'off', 'no-undef': 'off' },
  },
);
