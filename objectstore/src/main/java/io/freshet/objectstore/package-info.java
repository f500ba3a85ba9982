// SPDX-License-Identifier: Apache-2.0
/**
 * The object store port {@link io.freshet.objectstore.ObjectStore} and its one entrance
 * {@link io.freshet.objectstore.ObjectStores}. Kinds of stores live in sub-packages (s3, file, memory) behind the inner
 * port in {@code driver}; {@code retry} and {@code metrics} wrap them, {@code fault} makes trouble for tests. All calls are asynchronous; a store brings its own bounded threads.
 */
@NullMarked
package io.freshet.objectstore;

import org.jspecify.annotations.NullMarked;
