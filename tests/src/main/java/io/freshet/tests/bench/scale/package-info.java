// SPDX-License-Identifier: Apache-2.0
/** How a voter of the metadata quorum grows with the cluster; run by {@code tests/bench/metadata-scale.sh}. */
@NullMarked
package io.freshet.tests.bench.scale;

import org.jspecify.annotations.NullMarked;
