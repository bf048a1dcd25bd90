/** How the JavaScript and TypeScript of this repository is linted. */

import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import jsdoc from 'eslint-plugin-jsdoc';
import globals from 'globals';
import ts from 'typescript-eslint';

const style = {
  'curly': ['error', 'multi-line'],
  'eqeqeq': 'error',
  'no-console': 'off',
  'no-implicit-coercion': 'error',
  'no-shadow': 'off',
  'no-unused-expressions': 'error',
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
  'prefer-template': 'error',
};

const documented = {
  'jsdoc/check-alignment': 'error',
  'jsdoc/check-param-names': ['error', { checkDestructured: false }],
  'jsdoc/check-tag-names': ['error', { definedTags: ['packageDocumentation'] }],
  'jsdoc/empty-tags': 'error',
};

export default defineConfig(
  globalIgnores(['dist/', 'target/', 'node_modules/', '.toolchain/', 'tmp/']),

  {
    files: ['**/*.{js,mjs,cjs,ts}'],
    extends: [js.configs.recommended],
    languageOptions: { ecmaVersion: 2023, sourceType: 'module' },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { jsdoc },
    settings: { jsdoc: { mode: 'typescript', ignorePrivate: true, tagNamePreference: { returns: 'returns' } } },
    rules: { ...style, ...documented, 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] },
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
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-unused-vars': 'off',
      'jsdoc/no-types': 'error',
      'jsdoc/require-description': ['error', { contexts: ['any'] }],
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: { esm: true },
          checkConstructors: false,
          require: { ClassDeclaration: true, FunctionDeclaration: true, MethodDefinition: true },
          contexts: [
            'ExportNamedDeclaration > VariableDeclaration',
            'TSEnumDeclaration',
            'TSInterfaceDeclaration',
            'TSMethodSignature',
            'TSTypeAliasDeclaration',
          ],
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
    rules: { '@typescript-eslint/no-unused-vars': 'off', 'no-unused-vars': 'off', 'no-undef': 'off' },
  },
);
