// SPDX-License-Identifier: Apache-2.0
/**
 * Looks at stored objects for tools: what an object holds, every damage in it, and whether objects and manifests agree. Plain
 * sequential code over {@link io.freshet.storage.inspect.ObjectBytes}, which may block: never called by a server.
 */
@NullMarked
package io.freshet.storage.inspect;

import org.jspecify.annotations.NullMarked;
