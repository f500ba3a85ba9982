// SPDX-License-Identifier: Apache-2.0
/** {@code freshet storage}: looks at objects and manifests, and gets them back. One thread, and a pool for reads of many objects. */
@NullMarked
package io.freshet.broker.cli.storage;

import org.jspecify.annotations.NullMarked;
