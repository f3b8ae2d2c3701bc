# A script of a netwatch. It uses only /tool/fetch, because netwatch cannot call the functions of other scripts.
:local NotifyId [ :rndstr length=16 ];
:onerror Err in={
  :retry command={
    /tool/fetch url="@URL@" http-method=post output=none check-certificate=@CHECK@ \
        http-header-field=({ "Authorization: Bearer @TOKEN@" }) \
        http-data="@FIELDS@&id=$NotifyId" as-value;
  } delay=5 max=3;
} do={
  :log warning ("matrix-notify: cannot send: " . $Err);
}
