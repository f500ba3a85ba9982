// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import java.util.stream.Collectors;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.security.authorizer.AclEntry;

/** The operations that a client may do, as the bit field of Kafka's answers. Without an authorizer that is every one. */
public final class AuthorizedOperations {
    private AuthorizedOperations() {}

    /** All operations that resources of {@code type} have. */
    public static int all(ResourceType type) {
        return Utils.to32BitField(AclEntry.supportedOperations(type).stream()
                .map(AclOperation::code)
                .collect(Collectors.toSet()));
    }
}
