// SPDX-License-Identifier: Apache-2.0
/**
 * Does to real server processes, to their object store and to the bytes between them and their clients what happens to them in the
 * field. {@link io.freshet.tests.nemesis.CheckerMain} is the command line, {@link io.freshet.tests.nemesis.Nemesis} the one who
 * chooses. One thread, but for the proxies.
 */
@NullMarked
package io.freshet.tests.nemesis;

import org.jspecify.annotations.NullMarked;
