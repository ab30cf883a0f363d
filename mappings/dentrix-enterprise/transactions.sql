-- key: PROC_LOGID, PROC_LOGDB
-- changed: DDB_LAST_MOD
-- The ledger of everything: completed procedures (102), and 90 for payments (class 1), adjustments (2), insurers' payments (3).
select l.PROC_LOGID, l.PROC_LOGDB, l.PATID, l.PATDB, l.PLDATE, l.CHART_STATUS, l.CLASS, l.AMOUNT, c.ADACODE, l.PROVID,
       l.DDB_LAST_MOD
from DDB_PROC_LOG_BASE l
left join DDB_PROC_CODE_BASE c on c.PROC_CODEID = l.PROC_CODEID and c.PROC_CODEDB = l.PROC_CODEDB
where l.CHART_STATUS in (90, 102)
