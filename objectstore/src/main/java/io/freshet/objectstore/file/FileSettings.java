// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.file;

import java.nio.file.Path;

/**
 * How a file store works.
 *
 * @param root directory of the objects
 * @param threads threads for all but reads
 * @param readThreads threads for reads
 * @param openFiles files kept open for reading
 */
public record FileSettings(Path root, int threads, int readThreads, int openFiles) {}
