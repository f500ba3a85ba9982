// SPDX-License-Identifier: Apache-2.0
/**
 * The store in a directory. Calls run and complete on a bounded pool that each {@link
 * io.freshet.objectstore.file.FileDriver} makes and stops.
 */
@NullMarked
package io.freshet.objectstore.file;

import org.jspecify.annotations.NullMarked;
