// SPDX-License-Identifier: Apache-2.0
/**
 * The object store port {@link io.freshet.objectstore.ObjectStore} and its one entrance
 * {@link io.freshet.objectstore.ObjectStores}. Stores live in sub-packages (s3, file, memory), the fault wrapper in
 * {@code fault}. All calls are asynchronous; a store brings its own bounded threads.
 */
@NullMarked
package io.freshet.objectstore;

import org.jspecify.annotations.NullMarked;
