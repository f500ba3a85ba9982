// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import org.apache.kafka.common.utils.internals.AppInfoParser;
import picocli.CommandLine.IVersionProvider;

/** The version from the jar's manifest. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        String version = Version.class.getPackage().getImplementationVersion();
        return new String[] {
            "Freshet " + (version == null ? "(unpackaged)" : version), "Kafka protocol of " + AppInfoParser.getVersion()
        };
    }
}
