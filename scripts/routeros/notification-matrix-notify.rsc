# RouterOS script: mod/notification-matrix-notify
# Sends the notifications of this router to matrix-notify on another host. "matrix-notify setup router"
# fills in the address and the token. Checked against the manual, not run on a router.
#
# requires RouterOS, version=7.21
# requires device-mode, fetch, scheduler
#
# It is a module for https://github.com/eworm-de/routeros-scripts, and works without it too:
#   $SendMatrixNotify "Backup done" "all files are there";
#   $SendMatrixNotify2 ({ "subject"="Link down"; "severity"="error"; "key"="ether1" });
#
# A notification waits in a queue in RAM until the host answers. Its id makes repeats one notification.

:global FlushMatrixNotifyQueue;
:global MatrixNotifyCount;
:global MatrixNotifyLost;
:global MatrixNotifyQueue;
:global NotificationFunctions;
:global PurgeMatrixNotifyQueue;
:global SendMatrixNotify;
:global SendMatrixNotify2;

:if ([ :typeof $NotificationFunctions ] != "array") do={ :set NotificationFunctions [ :toarray "" ]; }
:if ([ :typeof $MatrixNotifyQueue ] != "array") do={ :set MatrixNotifyQueue [ :toarray "" ]; }
:if ([ :typeof $MatrixNotifyCount ] != "num") do={ :set MatrixNotifyCount 0; }
:if ([ :typeof $MatrixNotifyLost ] != "array") do={
  :set MatrixNotifyLost ({ "key"="none"; "count"=0; "since"="" });
}

# Posts the entries of the queue in their order, until one fails. Several scripts can flush at the same
# time: an entry that is posted twice is one notification, and an entry is removed only if it is unchanged.
:set FlushMatrixNotifyQueue do={
  :global MatrixNotifyQueue;

  :local Failed false;
  :foreach EntryKey,Body in=$MatrixNotifyQueue do={
    :if ($Failed = false && [ :typeof ($MatrixNotifyQueue->$EntryKey) ] = "str") do={
      :onerror Err in={
        /tool/fetch url="@URL@" http-method=post output=none check-certificate=@CHECK@ \
            http-header-field=({ "Authorization: Bearer @TOKEN@"; "Content-Type: application/json" }) \
            http-data=$Body as-value;
        :if (($MatrixNotifyQueue->$EntryKey) = $Body) do={ :set ($MatrixNotifyQueue->$EntryKey); }
      } do={
        :set Failed true;
        :log info ("matrix-notify: the queue waits, the host did not take the notification: " . $Err);
      }
    }
  }

  # A removed entry can leave its key in the array.
  :local Waiting [ :toarray "" ];
  :foreach EntryKey,Body in=$MatrixNotifyQueue do={
    :if ([ :typeof $Body ] = "str") do={ :set ($Waiting->$EntryKey) $Body; }
  }
  :if ([ :len $Waiting ] < [ :len $MatrixNotifyQueue ]) do={ :set MatrixNotifyQueue $Waiting; }

  :local Schedulers [ /system/scheduler/find where name="_FlushMatrixNotifyQueue" ];
  :if ([ :len $Waiting ] = 0) do={
    :if ([ :len $Schedulers ] > 0) do={ /system/scheduler/remove $Schedulers; }
  } else={
    :if ([ :len $Schedulers ] = 0) do={
      :onerror Err in={
        /system/scheduler/add name="_FlushMatrixNotifyQueue" interval=1m start-time=startup \
            on-event=":global FlushMatrixNotifyQueue; \$FlushMatrixNotifyQueue;";
      } do={
        # Without a scheduler, the next notification tries again.
        :log info ("matrix-notify: cannot add the scheduler: " . $Err);
      }
    }
  }
}

# Forgets all entries of the queue.
:set PurgeMatrixNotifyQueue do={
  :global MatrixNotifyQueue;

  :set MatrixNotifyQueue [ :toarray "" ];
  /system/scheduler/remove [ find where name="_FlushMatrixNotifyQueue" ];
}

# Puts a notification into the queue - expects one array argument. All its fields are sent.
:set ($NotificationFunctions->"matrix-notify") do={
  :local Notification $1;

  :global FlushMatrixNotifyQueue;
  :global IdentityExtra;
  :global MatrixNotifyCount;
  :global MatrixNotifyLost;
  :global MatrixNotifyQueue;

  # The limits of the queue: entries, bytes of all entries, and bytes of one entry (/tool/fetch: 64 KB).
  :local MaxEntries 100;
  :local MaxBytes 262144;
  :local MaxBody 60000;

  # Returns the JSON of a notification. A message that makes it too long is cut.
  :local ToBody do={
    :local Content $1;
    :local Max $2;
    :local Text [ :tostr ($Content->"message") ];
    :local Size [ :len $Text ];
    :local Body "";
    :do {
      :onerror Err in={
        :set Body [ :serialize to=json value=$Content options=json.no-string-conversion ];
      } do={
        # For a text that :serialize refuses: a form with the most important fields.
        :set Body ("id=" . $Content->"id" . \
            "&subject=" . [ :convert from=raw to=url [ :tostr ($Content->"subject") ] ] . \
            "&message=" . [ :convert from=raw to=url [ :tostr ($Content->"message") ] ]);
      }
      :if ([ :len $Body ] > $Max) do={
        :set Size ($Size / 2);
        :set ($Content->"message") ([ :pick $Text 0 $Size ] . "\n[cut: /tool/fetch sends at most 64 KB]");
      }
    } while=([ :len $Body ] > $Max && $Size > 0);
    :if ([ :len $Body ] > $Max) do={ :error "it is longer than 64 KB without its message"; }
    :return $Body;
  }

  :onerror Err in={
    :local Prefix ("[" . [ :tostr $IdentityExtra ] . [ /system/identity/get name ] . "] ");
    :local DateTime ([ /system/clock/get date ] . " " . [ /system/clock/get time ]);

    # Keys are sorted, so the number decides the order. The random part is for scripts that run now.
    :set MatrixNotifyCount ($MatrixNotifyCount + 1);
    :local Number ("000000000" . $MatrixNotifyCount);
    :set Number [ :pick $Number ([ :len $Number ] - 9) [ :len $Number ] ];
    :local EntryKey ("n" . $Number . "-" . [ :rndstr length=16 ]);

    :local Content [ :toarray "" ];
    :foreach FieldName,FieldValue in=$Notification do={
      :if ([ :typeof $FieldValue ] != "nothing" && [ :typeof $FieldValue ] != "nil") do={
        :set ($Content->$FieldName) $FieldValue;
      }
    }
    :set ($Content->"subject") ($Prefix . ($Notification->"subject"));
    :set ($Content->"id") $EntryKey;
    :local Body [ $ToBody $Content $MaxBody ];

    :local Entries 0;
    :local Bytes [ :len $Body ];
    :foreach Other in=$MatrixNotifyQueue do={
      :if ([ :typeof $Other ] = "str") do={
        :set Entries ($Entries + 1);
        :set Bytes ($Bytes + [ :len $Other ]);
      }
    }

    :if ($Entries >= $MaxEntries || $Bytes > $MaxBytes) do={
      # One entry at the end of the queue says what was lost. Its id has the count, because a host that
      # already has this id ignores a later count.
      :local LostKey ($MatrixNotifyLost->"key");
      :if ([ :typeof ($MatrixNotifyQueue->$LostKey) ] != "str") do={
        :set LostKey $EntryKey;
        :set MatrixNotifyLost ({ "key"=$EntryKey; "count"=0; "since"=$DateTime });
      }
      :local Count (($MatrixNotifyLost->"count") + 1);
      :set ($MatrixNotifyLost->"count") $Count;
      :set ($MatrixNotifyQueue->$LostKey) [ $ToBody ({ "id"=($LostKey . "-" . $Count); "severity"="error"; \
          "subject"=($Prefix . "The queue was full, lost notifications: " . $Count); \
          "message"=("Since " . ($MatrixNotifyLost->"since") . " the queue of this router had no room. " . \
              "The subjects are in its log.") }) $MaxBody ];
      :log info ("matrix-notify: the queue is full, lost: " . ($Notification->"subject"));
    } else={
      :set ($MatrixNotifyQueue->$EntryKey) $Body;
      # With a scheduler, other entries wait already.
      :if ([ :len [ /system/scheduler/find where name="_FlushMatrixNotifyQueue" ] ] = 0) do={
        $FlushMatrixNotifyQueue;
      }
      :if ([ :typeof ($MatrixNotifyQueue->$EntryKey) ] = "str") do={
        :set ($Content->"message") ([ :tostr ($Notification->"message") ] . \
            "\n\nQueued on the router since " . $DateTime);
        :set ($MatrixNotifyQueue->$EntryKey) [ $ToBody $Content $MaxBody ];
      }
    }
  } do={
    :log error ("matrix-notify: cannot queue a notification: " . $Err);
  }
}

# Sends a notification - expects at least two string arguments: subject, message, link, silent.
:set SendMatrixNotify do={
  :global SendMatrixNotify2;

  $SendMatrixNotify2 ({ "origin"=$0; "subject"=$1; "message"=$2; "link"=$3; "silent"=$4 });
}

# Sends a notification - expects one array argument.
:set SendMatrixNotify2 do={
  :local Notification $1;

  :global NotificationFunctions;

  ($NotificationFunctions->"matrix-notify") ("\$NotificationFunctions->\"matrix-notify\"") $Notification;
}
