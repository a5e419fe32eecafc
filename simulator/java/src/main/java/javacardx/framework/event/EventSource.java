// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.event;

/** What gives events; Java Card API 3.1. */
public interface EventSource {}
