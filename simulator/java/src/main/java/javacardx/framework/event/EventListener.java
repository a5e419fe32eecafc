// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.event;

/** Who hears of events; Java Card API 3.1. */
public interface EventListener {}
