/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A yes or no that may also be left to a wider setting.
 */
#pragma once

enum policy_switch { POLICY_UNSET, POLICY_OFF, POLICY_ON };
